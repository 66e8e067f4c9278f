"""CT to semantic mask. Nothing here is imported before it is needed: torch takes seconds to load."""
