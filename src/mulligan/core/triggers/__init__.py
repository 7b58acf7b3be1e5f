"""What starts pipelines without a person: times, calls from outside, events of code hosts. Pure."""
