"""What every process of a race needs, imported once by the server that forks them."""

import django

django.setup()
