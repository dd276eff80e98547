import assert from "node:assert/strict";
import { test } from "node:test";
import { addOption } from "../../../src/config/file/config-value.ts";
import type { Keyword } from "../../../src/config/file/keyword.ts";
import { Keywords } from "../../../src/config/file/keyword-record.ts";
import { sshDefaults } from "../../../src/config/openssh-defaults.ts";

test("Each default is a value that its keyword takes.", () => {
  for (const [keyword, value] of Object.entries(sshDefaults)) {
    const keywords = new Keywords();
    addOption(keywords, `${keyword}=${value}`);
    assert.equal(keywords.text(keyword as Keyword), value, keyword);
  }
});
