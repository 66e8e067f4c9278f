"""One patient on several days: one scan's boundaries carried to another, and uptake over the days."""
