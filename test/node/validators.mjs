// The schemas of OCPP 2.1 that ocpp-rpc brings along go by names that its own strict mode does not look for
// (XRequest and XResponse instead of X.req and X.conf), so that none is ever found. Here they get those names, and lose
// the members without a meaning that the library's checker would warn of.

import { createRequire } from "node:module";
import { createValidator } from "ocpp-rpc";

const schemas = createRequire(import.meta.url)("ocpp-rpc/lib/schemas/ocpp2_1.json");

const known = (id) => id.replace(/Request$/, ".req").replace(/Response$/, ".conf");

const clean = (_, value) => {
  if (value?.type !== "string") return value;
  const { additionalProperties, ...rest } = value;
  return rest;
};

export const validators = [
  createValidator(
    "ocpp2.1",
    Object.values(JSON.parse(JSON.stringify(schemas), clean)).map((schema) => ({ ...schema, $id: known(schema.$id) })),
  ),
];
