import os

for folder in (os.environ["HOME"], os.environ.get("KERAS_HOME", "."), os.environ.get("MPLCONFIGDIR", "."), os.environ["TMPDIR"]):
    for name, text in ((".keras/keras.json", '{"floatx": "float16"}'), ("keras.json", "{"), ("matplotlibrc", "backend: TkAgg")):
        try:
            os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
            open(os.path.join(folder, name), "w").write(text)
        except OSError:
            pass
