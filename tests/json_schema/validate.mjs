// Judges the schemas of attune by Ajv, which knows nothing of attune.
//
//   node validate.mjs <folder with node_modules> <program> [argument ...]
//
// The program prints {"cases": [{"name", "schema", "accept": [...], "refuse": [...]}]}. Every schema
// must be a good one in Ajv's strict mode, take every instance in "accept", and none in "refuse".

import {spawnSync} from 'node:child_process';
import {createRequire} from 'node:module';
import path from 'node:path';
import process from 'node:process';

const [modules, program, ...rest] = process.argv.slice(2);

function load() {
    try {
        return createRequire(path.join(path.resolve(modules), 'package.json'))('ajv/dist/2020');
    } catch (error) {
        if (error.code !== 'MODULE_NOT_FOUND') {
            throw error;
        }
        console.log(`skipped: there is no ajv in ${modules}; tools/test.sh installs it`);
        process.exit(0);
    }
}

const {Ajv2020} = load();

const {status, signal, stdout} = spawnSync(program, rest, {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'inherit'],
});
if (status !== 0) {
    console.error(`${program} ended with ${signal ?? status}`);
    process.exit(1);
}

let wrong = 0;
function complain(text) {
    console.log(text);
    wrong += 1;
}

function shown(value) {
    const text = JSON.stringify(value);
    return text.length <= 400 ? text : `${text.slice(0, 400)}...`;
}

const {cases} = JSON.parse(stdout);
for (const {name, schema, accept, refuse} of cases) {
    let validate;
    try {
        // Compiling checks the schema by the meta-schema as well.
        validate = new Ajv2020({strict: true, validateSchema: true}).compile(schema);
    } catch (error) {
        complain(`${name}: not a good schema: ${error.message}`);
        continue;
    }
    for (const instance of accept) {
        if (!validate(instance)) {
            const {instancePath, message} = validate.errors[0];
            complain(`${name}: refused at "${instancePath}", ${message}: ${shown(instance)}`);
        }
    }
    for (const instance of refuse) {
        if (validate(instance)) {
            complain(`${name}: accepted: ${shown(instance)}`);
        }
    }
    console.log(`${name}: ${accept.length} to accept, ${refuse.length} to refuse`);
}
if (cases.length === 0) {
    complain('there are no cases');
}
process.exit(wrong === 0 ? 0 : 1);
