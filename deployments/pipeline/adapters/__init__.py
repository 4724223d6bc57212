"""The implementations of the pipeline's tools: wrangler, npm, tsc and the Cloudflare API."""
