import os

def walk(*roots):
    """Every file below these folders that can be seen."""
    for root in roots:
        for folder, folders, files in os.walk(root):
            if folder.startswith(("/proc", "/sys")):
                folders.clear()
            for name in files:
                yield os.path.join(folder, name)

found = [p for p in walk("/") if p.endswith((".safetensors", "run.json", "scores.json", "result.json", "observation.json"))]
print("store:", [path for path in found if "site-packages" not in path])
