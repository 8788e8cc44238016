import { writeFileSync } from "node:fs";
import { relative } from "node:path";

/** Counts a vitest run, with the reasons of what was skipped, into the file that FINETAG_TEST_COUNTS names. */
export default class CountingReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: [] };
    for (const module of modules) {
      const file = relative(process.cwd(), module.moduleId);
      // A file that can't be loaded has errors of its own and no tests.
      if (module.errors().length > 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const { state, note } = test.result();
        if (state === "passed") counts.passed += 1;
        else if (state === "failed") counts.failed += 1;
        else counts.skipped.push({ file, name: test.fullName, reason: note });
      }
    }
    writeFileSync(process.env.FINETAG_TEST_COUNTS, JSON.stringify(counts));
  }
}
