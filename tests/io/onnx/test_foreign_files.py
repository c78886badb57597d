"""Files that PyTorch writes: outputs, gradients and weights are those of the module that they are from."""

import io
import warnings

import numpy as np
import pytest

from minigrad.io import from_onnx
from tests.io.onnx.runtime import run

pytestmark = pytest.mark.peer
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def unet(torch):
    nn, functional = torch.nn, torch.nn.functional

    def pair(a, b):
        return nn.Sequential(
            nn.Conv2d(a, b, 3, padding=1), nn.GroupNorm(2, b), nn.SiLU(), nn.Conv2d(b, b, 3, padding=1)
        )

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.low, self.out = pair(1, 4), pair(4, 8), pair(12, 2)
            self.up = nn.ConvTranspose2d(8, 4, 2, 2)

        def forward(self, x):
            high = self.down(x)
            low = self.low(functional.max_pool2d(high, 2))
            again = functional.interpolate(low, scale_factor=2, mode="bilinear", align_corners=False)
            return self.out(torch.cat([high, self.up(low), again[:, :4]], 1))

    return UNet(), (1, 16, 16)


def generator(torch):
    nn = torch.nn
    return nn.Sequential(
        nn.Unflatten(1, (10, 1, 1)), nn.ConvTranspose2d(10, 8, 4, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.ConvTranspose2d(8, 4, 4, 2, 1, bias=False), nn.BatchNorm2d(4), nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(4, 1, 4, 2, 1), nn.Tanh(),
    ), (10,)  # fmt: skip


def of_volumes(torch):
    nn = torch.nn
    return nn.Sequential(
        nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.BatchNorm3d(4), nn.MaxPool3d((1, 2, 2)),
        nn.Conv3d(4, 6, (2, 3, 3), (1, 2, 1), padding=(0, 1, 0), groups=2), nn.ELU(), nn.AvgPool3d(2, 1),
        nn.ConvTranspose3d(6, 2, 2, (1, 2, 2), bias=False), nn.Upsample(scale_factor=2, mode="trilinear"),
        nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(2, 3),
    ), (1, 5, 12, 10)  # fmt: skip


def transformer(torch):
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.qkv, self.out = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 8)
            self.mlp = nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))

        def forward(self, x):
            n, t, d = x.shape
            q, k, v = self.qkv(self.norm(x)).reshape(n, t, 3, 2, d // 2).permute(2, 0, 3, 1, 4)
            mask = torch.full((t, t), float("-inf")).triu(1)
            weights = torch.softmax(q @ k.transpose(-1, -2) / (d // 2) ** 0.5 + mask, -1)
            x = x + self.out((weights @ v).transpose(1, 2).reshape(n, t, d))
            return x + self.mlp(x)

    return Block(), (5, 8)


def exported(torch, net, x):
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter, which needs no further package, is deprecated
        torch.onnx.export(
            net, (x,), file, dynamo=False, opset_version=17, input_names=["x"], dynamic_axes={"x": {0: "n"}}
        )  # fmt: skip
    return onnx.ModelProto.FromString(file.getvalue())


@pytest.mark.parametrize("make", [unet, generator, of_volumes, transformer])
def test_network_of_pytorch(torch, make):
    torch.manual_seed(0)
    net, shape = make(torch)
    for tensor in [*net.parameters(), *net.buffers()]:
        if tensor.dtype.is_floating_point:  # equal ones would be stored once
            tensor.data = tensor.data + torch.rand_like(tensor) * 0.1
    x = torch.randn(3, *shape)
    file = exported(torch, net.eval(), x[:2])
    read = from_onnx(file)
    y, out = net(x), read(x.numpy())
    np.testing.assert_allclose(out.numpy(), y.detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(out.numpy(), run(file, x.numpy())[0], atol=1e-5)
    (y * y).mean().backward()
    (out * out).mean().backward()
    theirs = {name: p.grad.numpy() for name, p in net.named_parameters()}
    same = {name: p.grad.numpy() for name, p in read.named_parameters() if name in theirs}
    assert len(same) >= 0.5 * len(theirs)
    for name, gradient in same.items():
        np.testing.assert_allclose(gradient, theirs[name], atol=1e-5 + 1e-3 * np.abs(theirs[name]).max(), err_msg=name)
    others = [p for name, p in read.named_parameters() if name not in theirs]
    assert sum(p.size for p in others) + sum(g.size for g in same.values()) == sum(g.size for g in theirs.values())
