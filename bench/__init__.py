"""How fast Teahouse is, measured beside Synapse in one run: `python -m bench`."""
