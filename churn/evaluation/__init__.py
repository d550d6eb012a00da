"""How good a model is: discrimination, calibration, lift, and the gate."""
