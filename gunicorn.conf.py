"""What gunicorn reads before it starts: whatever is missing stops it here, with one sentence."""

from shortsproject.startup import configure

configure()
