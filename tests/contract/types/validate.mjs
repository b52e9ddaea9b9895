// Rows in, and for each whether types/outbox.schema.json takes it.
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import Ajv from "ajv/dist/2020.js";

const schema = JSON.parse(readFileSync(process.argv[2], "utf8"));
// Formats are told to editors; which of them are checked differs between validators.
const takes = new Ajv({ strict: false, validateFormats: false }).compile(schema);
const rows = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(rows.map((row) => takes(row))));
