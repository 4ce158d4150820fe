"""What notebooks show results with: paths, profiles, figures, claims. No science."""
