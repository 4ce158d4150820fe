"""One engine that trains and records anything: tables of runs, weights on disk, execution."""
