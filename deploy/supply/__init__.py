"""What the software is made of, and what is known against it: `make sbom`, `make scan`. For developers and CI."""
