"""Finds nvcc, in the places of .cmake/BatonCuda.cmake."""
import os


def nvcc():
    """Path of nvcc in PATH, in CUDA_HOME or in /usr/local/cuda; None if there is none."""
    for folder in [*os.environ.get("PATH", "").split(os.pathsep), os.path.join(os.environ.get("CUDA_HOME", "/usr/local/cuda"), "bin")]:
        if os.access(os.path.join(folder, "nvcc"), os.X_OK):
            return os.path.join(folder, "nvcc")
    return None
