import { defineConfig } from "vitest/config";

const common = {
  // A limit for what hangs, not for what is slow: some machines are busy with other work.
  testTimeout: 180_000,
  hookTimeout: 300_000,
  // Several processes compute at once here, and OpenMP threads that wait by spinning then take the cores from those
  // that work: with two test files side by side, tiny models ran forty times longer.
  env: { OMP_WAIT_POLICY: process.env.OMP_WAIT_POLICY ?? "passive" },
};

const packageProject = (name: string, folder: string) => ({
  test: { name, root: folder, include: ["test/**/*.test.ts"], ...common },
});

// Two workers suit the smallest machine that this is tested on. What trains or starts whole programs runs alone,
// after the packages' own tests: it uses all cores by itself.
export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    projects: [
      packageProject("core-native", "packages/core-native"),
      packageProject("api", "packages/ts-api"),
      packageProject("cli", "packages/cli"),
      {
        test: {
          name: "across",
          root: "test",
          include: ["**/*.test.{ts,mjs}"],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          ...common,
        },
      },
    ],
  },
});
