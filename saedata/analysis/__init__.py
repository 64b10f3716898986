"""One module for each question that can be asked of a sparse frame."""
