"""What the trail must survive, tried at length: `make torture` (see __main__)."""
