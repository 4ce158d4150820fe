"""The capacity gap in small: kernel regression and the Mapping Problem (Appendix C)."""
