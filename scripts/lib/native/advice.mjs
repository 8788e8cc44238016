import { readFileSync } from "node:fs";

const SYSTEMS = {
  debian: {
    install: (packages) => `sudo apt-get install -y ${packages}`,
    packages: { compiler: "g++", cmake: "cmake", make: "make", pip: "python3-pip" },
  },
  fedora: {
    install: (packages) => `sudo dnf install -y ${packages}`,
    packages: { compiler: "gcc-c++", cmake: "cmake", make: "make", pip: "python3-pip" },
  },
  arch: {
    install: (packages) => `sudo pacman -S --needed ${packages}`,
    packages: { compiler: "gcc", cmake: "cmake", make: "make", pip: "python-pip" },
  },
  suse: {
    install: (packages) => `sudo zypper install -y ${packages}`,
    packages: { compiler: "gcc-c++", cmake: "cmake", make: "make", pip: "python3-pip" },
  },
  macos: {
    install: (packages) => `brew install ${packages}`,
    packages: { cmake: "cmake", make: "make", pip: "python" },
  },
};

const LIKE = {
  debian: "debian",
  ubuntu: "debian",
  fedora: "fedora",
  rhel: "fedora",
  arch: "arch",
  suse: "suse",
};

/** The family of package managers of this machine: "debian", "fedora", "arch", "suse", "macos" or "unknown". */
export function systemFamily(platform = process.platform, osRelease = readOsRelease()) {
  if (platform === "darwin") return "macos";
  const value = (key) => new RegExp(`^${key}="?([^"\n]*)"?$`, "m").exec(osRelease)?.[1] ?? "";
  const names = `${value("ID")} ${value("ID_LIKE")}`.toLowerCase().split(/\s+/);
  return LIKE[names.find((name) => name in LIKE)] ?? "unknown";
}

/** Names of packages for tools ("compiler", "cmake", "make", "pip") on a family of systems. */
export function packagesFor(tools, family = "debian") {
  return [...new Set(tools.map((tool) => SYSTEMS[family].packages[tool]))].filter(
    (name) => name !== undefined,
  );
}

/** The commands that install these tools, one per line; for an unknown system, those of the most common ones. */
export function installAdvice(tools, family = systemFamily()) {
  const command = (name) => SYSTEMS[name].install(packagesFor(tools, name).join(" "));
  if (family === "unknown")
    return `  Debian, Ubuntu:  ${command("debian")}\n  Fedora, RHEL:    ${command("fedora")}`;
  const lines = packagesFor(tools, family).length > 0 ? [command(family)] : [];
  if (family === "macos" && tools.includes("compiler")) lines.unshift("xcode-select --install");
  return lines.map((line) => `  ${line}`).join("\n");
}

function readOsRelease() {
  try {
    return readFileSync("/etc/os-release", "utf8");
  } catch {
    return "";
  }
}
