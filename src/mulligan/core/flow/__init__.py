"""How a run moves on: each module holds decisions that leave events and effects on a `Draft`."""
