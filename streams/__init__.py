"""The stream: a thin Faust shell around the detector. Topics and codecs, the agent, delivery, the worker."""
