"""How the index follows the targets: the poller, its call budget and its queries."""
