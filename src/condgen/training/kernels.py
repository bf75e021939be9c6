"""The hardware and libraries of a session: everything that determines the rounding of its computations."""

import os
import platform
from collections.abc import Iterator
from typing import Any

import numpy
import torch

EXACT = ("torch", "cpu", "onednn", "mkl", "device", "gpu", "threads", "processes", "batch")
"""Conditions that must stay equal for a resumed training to be bit-exact; the others are only recorded."""
LEVELS = {
    "avx512_core_amx_fp16": ("amx_fp16",),
    "avx512_core_amx": ("amx_tile", "amx_int8", "amx_bf16"),
    "avx512_core_fp16": ("avx512_fp16",),
    "avx512_core_bf16": ("avx512_bf16",),
    "avx512_core_vnni": ("avx512_vnni",),
    "avx512_core": ("avx512_f", "avx512_bw", "avx512_vl", "avx512_dq"),
    "avx2_vnni": ("avx_vnni",),
    "avx2": ("avx2",),
    "avx": ("avx",),
    "sse41": ("sse4_1",),
}
"""Instruction sets by oneDNN's name, best first, with the processor capabilities that each one needs."""
ONEDNN = ("ONEDNN_CPU_ISA_HINTS", "DNNL_CPU_ISA_HINTS", "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE")
MKL = ("MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "MKL_DEBUG_CPU_TYPE", "MKL_NUM_THREADS", "MKL_DYNAMIC")
"""Environment variables that make oneDNN and MKL use other kernels."""


def conditions(device: str, batch: int, processes: int = 1) -> dict[str, str | int]:
    """The conditions of a session. batch: images per step and process."""
    return environment(device) | {"processes": processes, "batch": batch}


def environment(device: str) -> dict[str, str | int]:
    """The conditions that depend on the machine and its libraries."""
    return {
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu": torch.backends.cpu.get_cpu_capability(),  # kernels of another vector width round differently
        "onednn": " ".join([instructions(), *_variables(ONEDNN)]),
        "mkl": " ".join([_vendor(), hardware(), *_variables(MKL)]),
        "device": device,
        "gpu": gpu(device),
        "threads": torch.get_num_threads(),
    }


def instructions() -> str:
    """The instruction set that oneDNN uses: the processor's best, unless an environment variable limits it."""
    if not torch.backends.mkldnn.is_available():
        return "none"
    limit = (os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or "default").lower()
    levels, best = [*LEVELS], hardware()
    if limit in levels and best in levels:
        return levels[max(levels.index(best), levels.index(limit))]
    return best if limit in ("all", "default") else f"{best} at most {limit}"


def hardware() -> str:
    """The best instruction set of this processor.

    Its architecture if torch does not report capabilities, or if it is not an x86 processor.
    """
    has = _capabilities()
    found = (level for level, needs in LEVELS.items() if all(has.get(need) for need in needs))
    return next(found, platform.machine())


def gpu(device: str) -> str:
    """Model, libraries and precision of a GPU; 'none' for the CPU."""
    kind, _, number = device.partition(":")
    if kind == "mps":
        return f"Apple {platform.machine()}, macOS {platform.mac_ver()[0]}"
    if kind == "cuda" and torch.cuda.is_available():
        return ", ".join(_cuda(int(number or 0)))
    return "none" if kind in ("cpu", "cuda") else kind


def _cuda(number: int) -> Iterator[str]:
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    yield torch.cuda.get_device_name(number)
    yield f"driver {_driver()}"
    yield f"CUDA {torch.version.cuda}"
    yield f"cuDNN {cudnn.version()}"
    yield f"float32 matmul {torch.get_float32_matmul_precision()}"
    yield f"TF32 {_on(matmul.allow_tf32)} in matmul, {_on(cudnn.allow_tf32)} in cuDNN"
    yield f"deterministic {_on(cudnn.deterministic or torch.are_deterministic_algorithms_enabled())}"
    yield f"cuDNN benchmark {_on(cudnn.benchmark)}"
    yield from _variables(("CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE"))


def _driver() -> str:
    """Version of the NVIDIA driver from its kernel module, or the version that CUDA reports."""
    try:
        with open("/sys/module/nvidia/version", encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return str(getattr(torch._C, "_cuda_getDriverVersion", lambda: "unknown")())


def _on(flag: object) -> str:
    return "on" if flag else "off"


def _capabilities() -> dict[str, Any]:
    """Processor capabilities as reported by torch; empty before torch 2.11."""
    found: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return found


def _vendor() -> str:
    """Vendor of the processor, because MKL uses other kernels on processors that are not Intel's."""
    name = str(_capabilities().get("cpu_name") or platform.processor() or "cpu")
    return name.split()[0]


def _variables(names: tuple[str, ...]) -> list[str]:
    return [f"{name}={os.environ[name]}" for name in names if name in os.environ]
