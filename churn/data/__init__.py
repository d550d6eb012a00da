"""Where customer tables come from: files, the public Telco download, the synthetic sampler."""
