"""What the end-to-end checks stand on. Each module has one job; README.md tells how they fit together."""
