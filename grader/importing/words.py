"""What the translator of test cells knows about Python and NumPy: which names mean the same inside and outside the box."""

import builtins

JUDGE_MODULES = {"numpy", "math", "statistics", "string", "itertools"}
"""Modules whose functions may be called on recorded values, outside."""
BOX_MODULES = JUDGE_MODULES | {
    "tensorflow",
    "keras",
    "scipy",
    "collections",
    "fractions",
    "decimal",
    "random",
    "datetime",
}
"""Modules that the box has too."""
BLOCKED = {
    "load", "save", "savez", "savez_compressed", "loadtxt", "savetxt", "genfromtxt", "fromfile", "memmap", "lib",
    "ctypeslib", "f2py", "fromregex", "open_memmap", "DataSource", "test", "show_config", "setbufsize", "seterr",
    "set_printoptions", "rec", "ma", "vectorize", "fromfunction", "frompyfunc", "apply_along_axis", "polynomial",
}  # fmt: skip
"""Functions of NumPy that reach outside of their arguments."""
SIZED = {
    "range", "zeros", "ones", "full", "empty", "eye", "identity", "arange", "linspace", "logspace", "tile", "repeat",
    "meshgrid", "indices", "tri", "bytearray", "bytes", "factorial", "comb", "perm", "permutations", "combinations",
    "product", "kron", "outer", "pad", "power", "pow", "left_shift", "ldexp", "resize", "broadcast_to", "geomspace",
    "combinations_with_replacement", "cycle", "count",
}  # fmt: skip
"""Functions that can be asked for more than there is room: never with a value of the student's."""
DRAWS = {
    "rand", "randn", "randint", "random", "random_sample", "uniform", "normal", "choice", "permutation", "binomial",
    "poisson", "exponential", "standard_normal", "beta", "gamma",
}  # fmt: skip
"""Functions of `numpy.random` that `RandomState` has too."""
PURE = {
    "abs", "all", "any", "bool", "bytes", "chr", "complex", "dict", "divmod", "enumerate", "filter", "float",
    "frozenset", "hash", "hex", "int", "len", "list", "map", "max", "min", "ord", "pow", "range",
    "repr", "reversed", "round", "set", "slice", "sorted", "str", "sum", "tuple", "zip", "object", "NotImplemented",
}  # fmt: skip
"""Builtins that give the same for the same."""
SPECIAL = {"isinstance": "is_a", "type": "kind_of", "callable": "can_be_called", "hasattr": "has_attribute"}
"""Builtins that must know about objects that stayed in the box, by what takes their place."""
DATA_ATTRIBUTES = {"shape", "dtype", "ndim", "size", "T", "real", "imag", "flat", "nbytes", "itemsize"}
DATA_METHODS = {
    "all", "any", "argmax", "argmin", "argsort", "astype", "copy", "count", "cumsum", "diagonal", "dot", "endswith",
    "find", "flatten", "get", "index", "isalpha", "isdigit", "islower", "isspace", "issubset", "issuperset", "isupper",
    "item", "items", "join", "keys", "lower", "lstrip", "max", "mean", "min", "numpy", "prod", "ravel", "replace",
    "reshape", "round", "rsplit", "rstrip", "split", "splitlines", "squeeze", "startswith", "std", "strip", "sum",
    "swapaxes", "title", "tolist", "trace", "transpose", "union", "upper", "values", "var", "intersection",
    "difference", "conjugate", "isdisjoint", "is_integer", "capitalize", "isalnum", "clip", "nonzero", "partition",
}  # fmt: skip
"""Attributes and methods of plain values, which mean outside what they mean inside."""
EXCEPTIONS = {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, Exception) and not issubclass(value, Warning)
}
COMPARING = {
    "assert_equal": "{0} == {1}",
    "assert_not_equal": "{0} != {1}",
    "assert_true": "{0}",
    "assert_false": "not {0}",
    "assert_is_none": "{0} is None",
    "assert_is_not_none": "{0} is not None",
    "assert_in": "{0} in {1}",
    "assert_not_in": "{0} not in {1}",
    "assert_greater": "{0} > {1}",
    "assert_greater_equal": "{0} >= {1}",
    "assert_less": "{0} < {1}",
    "assert_less_equal": "{0} <= {1}",
    "assert_is_instance": "isinstance({0}, {1})",
    "assert_almost_equal": "round(abs({0} - {1}), 7) == 0",
    "assert_list_equal": "{0} == {1}",
    "assert_dict_equal": "{0} == {1}",
    "assert_tuple_equal": "{0} == {1}",
}
"""Functions of `nose.tools` and their like, as what they assert of their arguments."""
ASSERTING_PACKAGES = {"nose.tools", "nose"}
