/**
 * Run by `npm test` before the first test: installs by one apt-get all that the test files ask for with `need`, so that
 * no test depends on what another one has installed before it. Where nothing may be installed it does nothing, and each
 * test says for itself what it lacks.
 */
import { install, toolsAskedFor } from "./packages.ts";
import { sourceFiles } from "./source-file.ts";

install([...new Set(sourceFiles("test").flatMap(({ text }) => toolsAskedFor(text)))]);
