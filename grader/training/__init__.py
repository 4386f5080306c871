"""Training requests on the trusted side: what may be trained, what is the same training, where runs are kept."""
