// JSON Schema in, TypeScript out (tools/generate_types.py).
import { text } from "node:stream/consumers";
import { compile } from "json-schema-to-typescript";

// What many definitions have in common becomes an interface of its own, that they extend.
const SHARED = {
  OutboxColumns: ["session_id", "id", "send_after", "expires_at", "priority"],
  NewMessage: ["reply_to", "mentions"],
  FilePlace: ["storage_path", "bucket", "url", "base64", "typing_seconds"],
};
const ABOUT = {
  OutboxColumns: "What a row has whatever its kind.",
  NewMessage: "What any new message may carry.",
  FilePlace: "Where the file is: exactly one of storage_path, url and base64.",
};

const schema = JSON.parse(await text(process.stdin));
for (const definition of Object.values(schema.$defs)) {
  // "Exactly one of" is for validators: as a TypeScript type it would hide the fields.
  delete definition.oneOf;
  // Every row and payload says what it is by its name.
  if (definition.title.endsWith("Insert")) delete definition.description;
}
for (const [name, fields] of Object.entries(SHARED)) share(name, fields);

const written = await compile(schema, schema.title, {
  additionalProperties: false,
  bannerComment: "// Written by make types from connector/payloads: change it there.",
  ignoreMinAndMaxItems: true,
  style: { printWidth: 120 },
});
process.stdout.write(written.replace(/\/\*\*\n +\* (.*)\n +\*\//g, "/** $1 */"));

function share(name, fields) {
  const sharing = Object.values(schema.$defs).filter((definition) =>
    fields.every((field) => field in definition.properties),
  );
  const properties = Object.fromEntries(fields.map((field) => [field, sharing[0].properties[field]]));
  for (const definition of sharing) {
    for (const field of fields) {
      if (JSON.stringify(definition.properties[field]) !== JSON.stringify(properties[field])) {
        throw new Error(`${field} is not the same in every ${name}`);
      }
      delete definition.properties[field];
    }
    definition.extends = [...(definition.extends ?? []), { $ref: `#/$defs/${name}` }];
  }
  const required = fields.filter((field) => sharing[0].required?.includes(field));
  for (const definition of sharing) {
    definition.required = definition.required?.filter((field) => !fields.includes(field));
  }
  schema.$defs[name] = {
    title: name,
    description: ABOUT[name],
    type: "object",
    properties,
    required,
    additionalProperties: false,
  };
}
