"""What every experiment uses: presets, runs in folders, evidence for claims, kept results."""
