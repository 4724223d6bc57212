"""The client of the Cloudflare API, without Django: accounts, Workers, triggers and resources."""
