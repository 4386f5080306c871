OK_FORMAT = True

test = {
    "name": "q1",
    "points": 2,
    "suites": [
        {
            "cases": [
                {"code": ">>> double(4)\n8", "hidden": False, "locked": False},
                {"code": ">>> for number in range(3):\n...     assert double(number) == 2 * number\n", "hidden": True},
            ],
            "scored": True,
            "setup": "",
            "teardown": "",
            "type": "doctest",
        }
    ],
}
