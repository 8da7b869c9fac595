"""What known implementations promise, one TOML file each."""
