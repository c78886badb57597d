"""What PyTorch's Module, and its namespaces torch, nn, functional and optim, have and ours have not.

In each line of a table: PyTorch's code, ours (or - for none), and a remark, with two spaces or more between them.
"""

MODULE = """
model.to(dtype)           model.astype(dtype)       there are no devices: leave model.to(device) out
model.type(dtype)         model.astype(dtype)
model.float()             model.astype("float32")
model.double()            model.astype("float64")
model.half()              model.astype("float16")
model.cpu()               model
model.cuda()              model                     there is only the CPU here
model.compile()           -     step = minigrad.compile(step) compiles a step of training, or of inference
model.share_memory()      -     there is only one process here: leave it out
model.register_module("new", layer)         model.add_module("new", layer)
model.register_backward_hook(f)             model.register_full_backward_hook(f)
"""
MODULE_ABSENT = """bfloat16 get_extra_state register_load_state_dict_post_hook register_load_state_dict_pre_hook
register_state_dict_post_hook register_state_dict_pre_hook set_extra_state set_submodule to_empty xpu"""

TORCH = """
torch.cat(xs, dim)                minigrad.concat(xs, dim)
torch.concatenate(xs, dim)        minigrad.concat(xs, dim)
torch.hstack(xs)                  minigrad.concat(xs, 1)                 of vectors minigrad.concat(xs)
torch.vstack(xs)                  minigrad.concat(xs)                    of vectors minigrad.stack(xs)
torch.permute(x, axes)            minigrad.permute_dims(x, axes=axes)
torch.transpose(x, 0, 1)          np.swapaxes(x, 0, 1)
torch.addmm(C, A, B)              C + A @ B
torch.split_with_sizes(v, [1, 2])     minigrad.split(v, [1])             it takes positions, where PyTorch has sizes
torch.std_mean(x)                 (x.std(correction=1), x.mean())
torch.var_mean(x)                 (x.var(correction=1), x.mean())
torch.is_tensor(x)                isinstance(x, minigrad.Tensor)
torch.detach(x)                   x.detach()
torch.from_numpy(array)           minigrad.Tensor(array)
torch.as_tensor(data)             minigrad.asarray(data)
torch.scalar_tensor(value)        minigrad.tensor(value)
torch.FloatTensor(data)           minigrad.tensor(data)
torch.DoubleTensor(data)          minigrad.tensor(data, "float64")
torch.LongTensor([0, 2])          minigrad.tensor([0, 2], "int64")
torch.IntTensor([0, 2])           minigrad.tensor([0, 2], "int32")
torch.BoolTensor([True, False])   minigrad.tensor([True, False])
torch.broadcast_tensors(A, v)     minigrad.broadcast_arrays(A, v)
torch.Generator()                 np.random.default_rng()                functions take it as rng=
torch.manual_seed(n)              minigrad.seed(n)
torch.enable_grad()               -     recording is on, unless inside minigrad.no_grad()
torch.set_grad_enabled(False)     minigrad.no_grad()
torch.inference_mode()            minigrad.no_grad()
torch.is_grad_enabled()           minigrad.is_recording()
torch.get_default_dtype()         minigrad.default_dtype()
torch.set_num_threads(n)          minigrad.set_threads(n)
torch.vander(v)                   minigrad.linalg.vander(v)[:, ::-1]
torch.Size(shape)                 tuple(shape)
torch.float                       "float32"
torch.double                      "float64"
torch.half                        "float16"
torch.long                        "int64"
torch.int                         "int32"
torch.dtype                       -     dtypes are NumPy's: np.dtype, or texts such as "float32"
torch.set_printoptions            -     np.set_printoptions sets how numbers are shown
torch.device                      -     there is only the CPU here: leave devices out
torch.cuda                        -     there is only the CPU here: leave devices out
torch.backends                    -     there is only the CPU here: leave devices out
torch.autocast                    -     there is no mixed precision here: model.astype("float16") converts a model
torch.amp                         -     there is no mixed precision here: model.astype("float16") converts a model
torch.func                        -     minigrad.grad, minigrad.vjp, minigrad.functional_call ... are here itself
torch.utils                       -     loaders are in minigrad.data, and minigrad.checkpoint saves memory
torch.save                        -     minigrad.io.save(path, model.state_dict()) writes safetensors
torch.load                        -     minigrad.io.load(path) reads safetensors, minigrad.io.load_npz(path) NumPy files
"""
# The functions minigrad.functional.conv2d ..., which are in torch itself, too.
IN_FUNCTIONAL = """adaptive_avg_pool1d alpha_dropout avg_pool1d batch_norm bilinear binary_cross_entropy_with_logits
conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d cosine_embedding_loss cosine_similarity
ctc_loss dropout embedding group_norm hinge_embedding_loss instance_norm kl_div layer_norm margin_ranking_loss
max_pool1d max_pool2d max_pool3d pixel_shuffle pixel_unshuffle poisson_nll_loss rms_norm triplet_margin_loss"""
TORCH_ABSENT = """bfloat16 block_diag bucketize cartesian_prod cdist channel_shuffle complex distributed
distributions embedding_bag histc jit logspace multiprocessing poisson range rrelu sparse stft trapezoid"""

NN = """
nn.functional                    minigrad.functional
nn.parameter                     -     it is nn.Parameter(values)
nn.modules                       -     all layers are in minigrad.nn itself
nn.Buffer                        -     it is model.register_buffer(name, x)
nn.UpsamplingNearest2d(scale_factor=n)      nn.Upsample(scale_factor=n, mode="nearest")
nn.UpsamplingBilinear2d(scale_factor=n)     nn.Upsample(scale_factor=n, mode="bilinear", align_corners=True)
nn.LazyLinear                    -     sizes are given: nn.Linear(in_features, out_features)
nn.LazyConv2d                    -     sizes are given: nn.Conv2d(in_channels, out_channels, kernel_size)
nn.LazyBatchNorm2d               -     sizes are given: nn.BatchNorm2d(num_features)
nn.DataParallel                  -     there is only the CPU here: leave it out
"""
NN_ABSENT = """AdaptiveLogSoftmaxWithLoss ChannelShuffle CrossMapLRN2d EmbeddingBag FeatureAlphaDropout
FractionalMaxPool2d FractionalMaxPool3d LazyBatchNorm1d LazyConv1d LazyConvTranspose1d LazyConvTranspose2d
MultiLabelMarginLoss PairwiseDistance RNNBase RReLU TripletMarginWithDistanceLoss"""

FUNCTIONAL = """
F.upsample(image, scale_factor=n)            F.interpolate(image, scale_factor=n)
F.upsample_nearest(image, scale_factor=n)    F.interpolate(image, scale_factor=n)
F.upsample_bilinear(image, scale_factor=n)   F.interpolate(image, scale_factor=n, mode="bilinear", align_corners=True)
F.max_pool2d_with_indices(image, n)          F.max_pool2d(image, n, return_indices=True)
F.pairwise_distance(x, y)                    minigrad.vector_norm(x - y + 1e-6, axis=-1)
"""
FUNCTIONAL_ABSENT = """channel_shuffle embedding_bag feature_alpha_dropout fractional_max_pool2d
fractional_max_pool3d gumbel_softmax multi_head_attention_forward multilabel_margin_loss pdist
rrelu triplet_margin_with_distance_loss"""

OPTIM = """
optim.lr_scheduler   -   use optim.schedule: with optim.scheduled(optimizer, optim.schedule.Cosine(), step, total): ...
optim.swa_utils        -     averages of weights are optim.WeightAverage(params) and optim.EMA(params)
"""
OPTIM_ABSENT = "ASGD Adafactor Muon Rprop SparseAdam"

SCHEDULE = """
lr_scheduler.StepLR(optimizer, 30)              schedule.Step(30 * len(loader))         it counts updates, not epochs
lr_scheduler.MultiStepLR(optimizer, [30])       schedule.MultiStep((30 * len(loader),))    it counts updates, not epochs
lr_scheduler.ExponentialLR(optimizer, 0.9)      schedule.Exponential(0.9 ** (1 / len(loader)))  a factor for each update
lr_scheduler.CosineAnnealingLR(optimizer, n)    schedule.Cosine()                       down to the last update
lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 10)     schedule.CosineRestarts(10 * len(loader))
lr_scheduler.OneCycleLR(optimizer, 0.1)         schedule.OneCycle()              the optimizer's lr is the highest
lr_scheduler.ReduceLROnPlateau(optimizer)       schedule.Plateau()
lr_scheduler.LinearLR(optimizer)                schedule.Linear(start=1 / 3, final=1.0, steps=5 * len(loader))
lr_scheduler.ConstantLR(optimizer)              schedule.Constant(1 / 3, 5 * len(loader))
lr_scheduler.PolynomialLR(optimizer)            schedule.Polynomial()
lr_scheduler.LambdaLR(optimizer, f)             schedule.Lambda(f)                      of the number of the update
lr_scheduler.ChainedScheduler(schedules)        schedule.Chained(schedules)
lr_scheduler.SequentialLR(optimizer, schedules, [5])    schedule.Sequential(schedules, (5 * len(loader),))
"""
SCHEDULE_ABSENT = "CyclicLR MultiplicativeLR LRScheduler"

INIT = """
init.kaiming_normal_(W)      W.data = minigrad.init.he_normal(W.shape)
init.kaiming_uniform_(W)     W.data = minigrad.init.he_uniform(W.shape)
init.xavier_normal_(W)       W.data = minigrad.init.xavier_normal(W.shape)
init.xavier_uniform_(W)      W.data = minigrad.init.xavier_uniform(W.shape)
init.normal_(W, 0.0, 0.02)   W.data = minigrad.init.normal(W.shape, 0.0, 0.02)
init.uniform_(W, -1, 1)      W.data = minigrad.init.uniform(W.shape, -1, 1)
init.trunc_normal_(W)        W.data = minigrad.init.truncated_normal(W.shape)
init.constant_(W, 0.5)       W.data = minigrad.init.constant(W.shape, 0.5)
init.zeros_(b)               b.data = minigrad.init.zeros(b.shape)
init.ones_(b)                b.data = minigrad.init.ones(b.shape)
init.eye_(W)                 W.data = minigrad.init.eye(W.shape)
init.dirac_(W)               W.data = minigrad.init.dirac(W.shape)
init.orthogonal_(W)          W.data = minigrad.init.orthogonal(W.shape)
init.calculate_gain("relu")  minigrad.init.calculate_gain("relu")
"""
INIT_ABSENT = "sparse_"

UTILS = """
utils.clip_grad_norm_(model.parameters(), 1.0)    optim.clip_grad_norm(model.parameters(), 1.0)
utils.clip_grad_value_(model.parameters(), 1.0)   optim.clip_grad_value(model.parameters(), 1.0)
utils.weight_norm(layer)           nn.utils.parametrizations.weight_norm(layer)
utils.spectral_norm(layer)         nn.utils.parametrizations.spectral_norm(layer)
utils.remove_weight_norm(layer)    nn.utils.parametrize.remove_parametrizations(layer, "weight")
utils.remove_spectral_norm(layer)  nn.utils.parametrize.remove_parametrizations(layer, "weight")
"""
UTILS_ABSENT = "prune stateless"

IMPORTS = {
    "minigrad.nn.functional": "import minigrad.functional as F",
    "minigrad.nn.init": "from minigrad import init",
    "minigrad.optim.lr_scheduler": "from minigrad.optim import schedule",
    "minigrad.utils": "from minigrad.data import DataLoader",
    "minigrad.utils.data": "from minigrad.data import DataLoader",
    "minigrad.utils.tensorboard": "from minigrad.training import TensorBoard",
    "minigrad.autograd.functional": "from minigrad import jacobian, hessian, vjp, jvp",
    "minigrad.func": "from minigrad import grad, vjp, jvp, jacobian, hessian, functional_call",
    "minigrad.linalg": "from minigrad import solve, inv, det, eigh, svd",
}
"""PyTorch's modules, and the import that serves here."""
