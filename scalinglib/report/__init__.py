"""What notebooks need to show results: paths, profiles, figure style and saving, claims. No science."""
