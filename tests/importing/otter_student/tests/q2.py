OK_FORMAT = True

test = {
    "name": "q2",
    "points": None,
    "suites": [
        {
            "cases": [
                {"code": ">>> len(letters)\n5", "hidden": False, "locked": False},
                {"code": ">>> letters[0]\n'a'\n>>> letters == sorted('grade')\nTrue", "hidden": False, "points": 1},
            ],
            "scored": True,
            "setup": "",
            "teardown": "",
            "type": "doctest",
        }
    ],
}
