/** The part of picomatch that is used here; the package brings no types. */
declare module "picomatch" {
  interface Options {
    /** Also match names that start with a dot. */
    readonly dot?: boolean;
    readonly basename?: boolean;
  }
  function picomatch(glob: string, options?: Options): (path: string) => boolean;
  namespace picomatch {
    /** Of `docs/*.pdf` the base is `docs`, the glob `*.pdf`. */
    function scan(glob: string): { readonly base: string; readonly glob: string };
  }
  export = picomatch;
}
