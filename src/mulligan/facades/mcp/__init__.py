"""Tools for assistants over the Model Context Protocol: the same acts as the other APIs."""
