"""Python packages that Slicer lacks, installed only when a run needs them and after asking."""

from __future__ import annotations

from VertebraFLTLib.errors import Cancelled, InputError

TORCH_VERSION = ">=2.4,<3"
RUN_PACKAGES = ("safetensors>=0.4",)
EXPORT_PACKAGES = ("matplotlib>=3.8",)
_NAME = "VertebraFLT"


def ensure_for_run() -> None:
    """PyTorch, through the PyTorch extension, and what reads the weights.

    Raises InputError where the extension is missing, Cancelled where the user declines.
    """
    try:
        import PyTorchUtils  # type: ignore[import-not-found]
    except ModuleNotFoundError as error:
        raise InputError(
            "PyTorch is needed: install the extension 'PyTorch' in the Extensions Manager and restart Slicer"
        ) from error
    logic = PyTorchUtils.PyTorchUtilsLogic()
    installed = logic.torchInstalled() or logic.installTorch(
        askConfirmation=True, torchVersionRequirement=TORCH_VERSION
    )
    if not installed:
        raise Cancelled("PyTorch was not installed")
    ensure(RUN_PACKAGES)


def ensure(packages: tuple[str, ...]) -> None:
    """Install packages that are missing, after asking. Raises Cancelled where the user declines."""
    import slicer.packaging
    from packaging.requirements import Requirement

    try:
        slicer.packaging.pip_ensure([Requirement(package) for package in packages], requester=_NAME)
    except RuntimeError as error:
        raise Cancelled(str(error)) from error
