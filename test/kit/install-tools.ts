/**
 * `npm test` runs this before the first test. One apt-get installs all tools that the test files ask for with `need`,
 * so no test depends on what another test has installed. Without the right to install, nothing is done here, and each
 * test says which tool it lacks.
 */
import { unpackNewerOpenSsh } from "./openssh.ts";
import { install, toolsAskedFor } from "./packages.ts";
import { sourceFiles } from "./source-file.ts";

install([...new Set(sourceFiles("test").flatMap(({ text }) => toolsAskedFor(text)))]);
unpackNewerOpenSsh();
