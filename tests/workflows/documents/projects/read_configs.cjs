// Reads a configuration in each folder of a folder with wrangler's own reader: node read_configs.cjs WRANGLER FOLDER RESULT
const { readdirSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");

const [wrangler, folder, result] = process.argv.slice(2);
const { experimental_readRawConfig, unstable_readConfig } = require(wrangler);

function read(name) {
	const project = join(folder, name);
	process.chdir(project);
	const found = {};
	try {
		found.values = experimental_readRawConfig({}).rawConfig;
		found.config = unstable_readConfig({}, { hideWarnings: true });
	} catch (error) {
		found.error = String(error.message);
		found.line = error.location?.line ?? 0;
	}
	return found;
}

const found = Object.fromEntries(readdirSync(folder).map((name) => [name, read(name)]));
writeFileSync(result, JSON.stringify(found));
process.exit(0);
