/** What the native part is made of. Versions and checksum belong together. */
export const RECIPE = {
  wheel: "tensorflow-cpu==2.15.1",
  wheelFile: "tensorflow_cpu-2.15.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
  wheelSha256: "54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26",
  headers: "node-api-headers@1.9.0",
  headersFile: "node-api-headers-1.9.0.tgz",
  libraries: ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"],
  sources: ["tfjs_backend.cc", "tfjs_binding.cc"],
  addon: "tfjs_binding.node",
} as const;

/** Arguments of `pip download` for the wheel: the machine's own Python version does not matter. */
export function pipArguments(folder: string): string[] {
  return [
    ...["-m", "pip", "download", "--quiet", "--disable-pip-version-check"],
    ...["--no-deps", "--only-binary=:all:", "--platform", "manylinux2014_x86_64"],
    ...["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"],
    ...["--dest", folder, RECIPE.wheel],
  ];
}

/** Whether a file of the wheel is needed: the two libraries, and the C headers. */
export function isNeeded(entry: string): boolean {
  return RECIPE.libraries.some((library) => entry === `tensorflow/${library}`) ||
    /^tensorflow\/include\/(tensorflow|tsl)\/c\/.+\.h$/.test(entry) ||
    /^tensorflow\/include\/tensorflow\/core\/platform\/ctstring[^/]*$/.test(entry) ||
    /^tensorflow\/include\/tsl\/platform\/ctstring[^/]*$/.test(entry);
}

/** Arguments of g++ that make the addon. */
export function compilerArguments(paths: {
  package: string;
  headers: string;
  include: string;
  output: string;
}): string[] {
  const binding = `${paths.package}/binding`;
  return [
    ...["-std=c++17", "-O2", "-fPIC", "-shared", "-DNAPI_VERSION=8"],
    ...[`-I${paths.headers}`, `-I${paths.include}`, `-I${binding}`],
    ...RECIPE.sources.map((source) => `${binding}/${source}`),
    ...[`-L${paths.package}/deps/lib`],
    ...RECIPE.libraries.map((library) => `-l:${library}`),
    ...["-Wl,-rpath,$ORIGIN/../../deps/lib", "-o", paths.output],
  ];
}
