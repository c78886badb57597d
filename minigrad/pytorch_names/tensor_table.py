"""What PyTorch's Tensor has and ours has not.

In each line of ROWS: PyTorch's code, ours (or - for none), and a remark, with two spaces or more between them.
"""

ROWS = """
x.view(shape)                    x.reshape(shape)
x.view_as(y)                     x.reshape(y.shape)
x.reshape_as(y)                  x.reshape(y.shape)
x.unsqueeze(dim)                 x.expand_dims(dim)
x.t()                            x.T
x.H                              x.T
x.mH                             x.mT
x.adjoint()                      x.mT
x.transpose(0, 1)                np.swapaxes(x, 0, 1)            in another order: x.permute(axes)
x.swapaxes(0, 1)                 np.swapaxes(x, 0, 1)
x.swapdims(0, 1)                 np.swapaxes(x, 0, 1)
x.movedim(0, 1)                  minigrad.moveaxis(x, 0, 1)
x.moveaxis(0, 1)                 minigrad.moveaxis(x, 0, 1)
x.expand(4, *x.shape)            x.broadcast_to(4, *x.shape)     a size that stays is named, too: there is no -1
x.expand_as(z)                   x.broadcast_to(z.shape)
x.repeat(2, 1)                   minigrad.tile(x, (2, 1))        each element repeated: minigrad.repeat(x, times)
x.tile(times)                    minigrad.tile(x, times)
x.repeat_interleave(n, dim)      minigrad.repeat(x, n, axis=dim)
x.flip(dim)                      minigrad.flip(x, axis=dim)
x.fliplr()                       minigrad.flip(x, axis=1)
x.flipud()                       minigrad.flip(x, axis=0)
x.roll(shift, dim)               minigrad.roll(x, shift, axis=dim)
x.ravel()                        x.flatten()
x.unflatten(1, (3, 1))           x.reshape(x.shape[0], 3, 1)
x.contiguous()                   x
x.is_contiguous()                -     memory layout shows nowhere here: reshape whatever there is
x.stride()                       -     memory layout shows nowhere here: reshape whatever there is
x.clone()                        +x
x.numel()                        x.size
x.nelement()                     x.size
x.dim()                          x.ndim
x.ndimension()                   x.ndim
x.itemsize                       x.dtype.itemsize
x.element_size()                 x.dtype.itemsize
x.nbytes                         x.data.nbytes
x.to(dtype)                      x.astype(dtype)                 there are no devices: leave x.to(device) out
x.type(dtype)                    x.astype(dtype)
x.type_as(y)                     x.astype(y.dtype)
x.float()                        x.astype("float32")
x.double()                       x.astype("float64")
x.half()                         x.astype("float16")
x.long()                         x.astype("int64")
x.int()                          x.astype("int32")
x.short()                        x.astype("int16")
x.char()                         x.astype("int8")
x.byte()                         x.astype("uint8")
x.bool()                         x.astype("bool")
x.is_floating_point()            x.dtype.kind == "f"
x.cpu()                          x
x.cuda()                         x                               there is only the CPU here
x.pin_memory()                   x                               there is only the CPU here
x.is_cuda                        -     there is only the CPU here: nothing has a device
x.get_device()                   -     there is only the CPU here: nothing has a device
x.new_zeros(shape)               minigrad.zeros(shape, x.dtype)
x.new_ones(shape)                minigrad.ones(shape, x.dtype)
x.new_empty(shape)               minigrad.zeros(shape, x.dtype)
x.new_full(shape, value)         minigrad.full(shape, value, x.dtype)
x.new_tensor(data)               minigrad.tensor(data, x.dtype)
x.values                         -     max, min and sort give the values alone: leave .values out
x.indices                        -     where the values are, x.argmax(dim), x.argmin(dim) and x.argsort(dim) tell
x.clamp(min, max)                x.clip(min, max)
x.clamp_min(min)                 x.clip(min=min)
x.clamp_max(max)                 x.clip(max=max)
x.add(y)                         x + y
x.sub(y)                         x - y
x.subtract(y)                    x - y
x.mul(y)                         x * y
x.multiply(y)                    x * y
x.div(y)                         x / y
x.divide(y)                      x / y
x.true_divide(y)                 x / y
x.floor_divide(y)                x // y
x.remainder(y)                   x % y
x.pow(y)                         x ** y
x.neg()                          -x
x.negative()                     -x
x.positive()                     +x
x.eq(y)                          x == y
x.ne(y)                          x != y
x.not_equal(y)                   x != y
x.lt(y)                          x < y
x.less(y)                        x < y
x.le(y)                          x <= y
x.less_equal(y)                  x <= y
x.gt(y)                          x > y
x.greater(y)                     x > y
x.ge(y)                          x >= y
x.greater_equal(y)               x >= y
x.equal(y)                       bool(minigrad.all(x == y))
x.allclose(y)                    np.allclose(x.numpy(), y.numpy())
x.isclose(y)                     np.isclose(x.numpy(), y.numpy())
i.bitwise_and(j)                 i & j
i.bitwise_or(j)                  i | j
i.bitwise_xor(j)                 i ^ j
i.bitwise_not()                  ~i
i.bitwise_left_shift(j)          i << j
i.bitwise_right_shift(j)         i >> j
x.absolute()                     x.abs()
x.arccos()                       minigrad.acos(x)
x.arccosh()                      minigrad.acosh(x)
x.arcsin()                       minigrad.asin(x)
x.arcsinh()                      minigrad.asinh(x)
x.arctan()                       minigrad.atan(x)
x.arctanh()                      minigrad.atanh(x)
x.arctan2(y)                     minigrad.atan2(x, y)
x.rsqrt()                        1 / x.sqrt()
x.sgn()                          minigrad.sign(x)
x.fix()                          minigrad.trunc(x)
x.frac()                         x - minigrad.trunc(x)
x.logit()                        minigrad.log(x / (1 - x))
x.lerp(y, value)                 x + value * (y - x)
x.addcmul(y, y, value=value)     x + value * y * y
x.addcdiv(y, y, value=value)     x + value * y / y
x.softmax(dim)                   F.softmax(x, dim)
x.log_softmax(dim)               F.log_softmax(x, dim)
x.hardshrink()                   F.hardshrink(x)
x.prelu(weight)                  F.prelu(x, weight)
x.amax(dim)                      x.max(dim)
x.amin(dim)                      x.min(dim)
x.norm()                         minigrad.norm(x)
x.dist(y)                        minigrad.norm(x - y)
x.cumsum(dim)                    minigrad.cumulative_sum(x, axis=dim)
x.cumprod(dim)                   minigrad.cumulative_prod(x, axis=dim)
x.nonzero(as_tuple=True)         minigrad.nonzero(x)
x.argwhere()                     minigrad.stack(minigrad.nonzero(x), 1)
x.msort()                        x.sort(0)
x.unique()                       minigrad.unique_values(x)
positions.bincount()             np.bincount(positions.numpy())
x.gather(dim, index)             minigrad.take_along_axis(x, index, axis=dim)
x.take_along_dim(index, dim)     minigrad.take_along_axis(x, index, axis=dim)
x.index_select(dim, positions)   x.take(positions, dim)
x.select(1, k)                   x[:, k]
x.narrow(1, k, 1)                x[:, k : k + 1]
x.masked_fill(mask, value)       minigrad.where(mask, value, x)
x.masked_select(mask)            x[mask]
x.where(mask, y)                 minigrad.where(mask, x, y)
x.index_add(0, positions, y)     x + minigrad.scatter_add(y, index=positions, shape=x.shape)
x.scatter_add(1, index, y)  x + minigrad.scatter_add(y, index=(rows, index), shape=x.shape)  rows: [[0], [1]...]
x.scatter(dim, index, source)    -     choose values by minigrad.where, or add them by minigrad.scatter_add
x.chunk(n)                       minigrad.split(x, n)            the pieces are equal
x.tensor_split(n)                minigrad.split(x, n)            the pieces are equal
x.split(size)                    minigrad.split(x, len(x) // size)   it counts pieces, where PyTorch has their size
x.unbind(dim)                    minigrad.unstack(x, axis=dim)
A.diag()                         A.diagonal()                    of a vector v it is minigrad.eye(len(v)) * v
v.diag_embed()                   minigrad.eye(len(v)) * v
x.cross(y, dim)                  minigrad.cross(x, y, axis=dim)
A.mm(B)                          A @ B
M.bmm(N)                         M @ N
A.mv(v)                          A @ v
v.dot(w)                         v @ w
v.vdot(w)                        v @ w
v.inner(w)                       v @ w
v.ger(w)                         minigrad.outer(v, w)
v.outer(w)                       minigrad.outer(v, w)
C.addmm(A, B)                    C + A @ B
C.baddbmm(M, N)                  C + M @ N
w.addmv(S, v)                    w + S @ v
S.cholesky()                     minigrad.cholesky(S)
S.matrix_exp()                   minigrad.matrix_exp(S)
S.inverse()                      minigrad.inv(S)
S.pinverse()                     minigrad.pinv(S)
S.det()                          minigrad.det(S)
S.logdet()                       minigrad.slogdet(S)[1]
S.slogdet()                      minigrad.slogdet(S)
S.qr()                           minigrad.qr(S)
S.matrix_power(n)                minigrad.matrix_power(S, n)
S.svd()                          -     minigrad.svd(S) gives U, S and the transpose of V, as torch.linalg.svd does
p.bernoulli()                    minigrad.bernoulli(p)
p.multinomial(n)                 minigrad.multinomial(p, n)
x.requires_grad_()               x.requires_grad = True
x.detach_()                      x = x.detach()
x.zero_()                        x[...] = 0                      of a parameter inside minigrad.no_grad()
x.fill_(value)                   x[...] = value                  of a parameter inside minigrad.no_grad()
x.copy_(y)                       x.data = y
x.is_leaf                        -     a variable (leaf) is what has x.requires_grad and was not computed
x.grad_fn                        -     what made it is x.node.op, and minigrad.viz.graph(x) shows all behind it
x.retain_grad()                  -     only variables keep a gradient: minigrad.grad(f) differentiates by anything
x.register_hook(f)               -     hooks belong to modules: nn.Module.register_full_backward_hook
"""

# The functions minigrad.acos(x) ..., and those of two Tensors.
ONE_TENSOR = """acos acosh asin asinh atan atanh ceil cosh count_nonzero diff erf erfc exp2 expm1 floor
isfinite isinf isnan log10 log1p log2 logical_not reciprocal round sign signbit sinh tan tril triu trunc"""
TWO_TENSORS = "atan2 copysign hypot kron logaddexp logical_and logical_or logical_xor maximum minimum nextafter"

IN_PLACE = """abs_ absolute_ acos_ add_ addcdiv_ addcmul_ addmm_ asin_ atan_ bernoulli_ bitwise_and_ bitwise_not_
bitwise_or_ cauchy_ ceil_ celu_ clamp_ clamp_max_ clamp_min_ clip_ cos_ cosh_ cumprod_ cumsum_ div_ divide_ dropout_
elu_ eq_ erf_ exp_ expm1_ exponential_ fill_diagonal_ floor_ floor_divide_ fmod_ ge_ geometric_ gt_ hardtanh_
index_add_ index_copy_ index_fill_ index_put_ le_ leaky_relu_ lerp_ log1p_ log2_ log_ log_normal_ logical_and_
logical_not_ logical_or_ lt_ masked_fill_ masked_scatter_ mul_ multiply_ nan_to_num_ ne_ neg_ negative_ normal_ pow_
put_ random_ reciprocal_ relu_ remainder_ resize_ resize_as_ round_ rrelu_ rsqrt_ scatter_ scatter_add_
scatter_reduce_ selu_ set_ sigmoid_ sign_ sin_ sinh_ sqrt_ square_ squeeze_ sub_ subtract_ swapaxes_ t_ tan_ tanh_
threshold_ transpose_ tril_ triu_ true_divide_ trunc_ uniform_ unsqueeze_"""

ABSENT = """aminmax apply_ as_strided as_subclass bfloat16 cov cummax cummin data_ptr digamma dsplit erfinv
float_power fmax fmin fmod gcd geqrf heaviside histc hsplit i0 igamma index_copy index_fill index_put is_complex
is_shared is_sparse isreal kthvalue lcm ldexp lgamma logaddexp2 logcumsumexp lstsq map_ masked_scatter
median mode mvlgamma nan_to_num nanmean nanmedian nanquantile nansum new polygamma put quantile
renorm rot90 scatter_reduce share_memory_ sinc storage to_dense to_sparse unfold unique_consecutive untyped_storage
vsplit xlogy"""
