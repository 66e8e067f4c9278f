"""The text by which an image file says that its PET values are SUV already."""

SUV_MARK = "SUVbw g/ml"
