"""The processor as all sides of a comparison see it: as it is, or as one without AVX-512."""

import os

PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # a test machine's settings, which no user has
AVX2 = {
    "NUMBA_CPU_NAME": "znver3",
    "NUMBA_CPU_FEATURES": "+avx2,+fma,+bmi2,+f16c,+popcnt,+sse4.2",
    "OPENBLAS_CORETYPE": "Zen",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
}
"""What keeps Numba, OpenBLAS, PyTorch with its libraries, and NumPy from wider instructions."""


def set_processor(*, avx2: bool) -> None:
    """Set the environment of this process, which those that it starts inherit."""
    for name in PINS:
        os.environ.pop(name, None)
    if avx2:
        os.environ.update(AVX2)
