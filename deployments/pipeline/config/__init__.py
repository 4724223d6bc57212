"""What a deploy configures: the env, wrangler.json and runtime settings of a Worker."""
