"""The errors that reach a user: each carries one line that names what is wrong and what to do."""


class InputError(ValueError):
    """The input or the arguments are at fault (exit status 2).

    The message is one line. It names the file, tag or option concerned and says what to do about it.
    """


class NoSuchSeries(InputError):
    """The DICOM series asked for is not among those of this image, or not of its modality."""


class Cancelled(Exception):
    """The user stopped the work (exit status 3); nothing half-written is left behind."""
