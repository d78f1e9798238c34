namespace Slipway.Definitions;

/// <summary>Which stages are needed, and in which order they are made.</summary>
static class StageOrder
{
    const int MostStages = 100;

    /// <summary>The stages that the image copies from, directly or not, each after those that it copies from.</summary>
    /// <exception cref="SlipwayException">A stage is named that is not there, or stages copy from one another in a circle.</exception>
    public static IReadOnlyList<Stage> Sort(Stage image, IReadOnlyList<Stage> stages)
    {
        // they are visited recursively
        if (stages.Count > MostStages)
            throw DefinitionErrors.TooManyStages(stages[MostStages], MostStages);
        List<Stage> sorted = [];
        List<Stage> path = [];
        void Visit(Stage stage)
        {
            path.Add(stage);
            foreach (DefinitionFile file in stage.Files)
            {
                if (file.Stage is null)
                    continue;
                Stage from = stages.FirstOrDefault(s => s.Name == file.Stage) ?? throw DefinitionErrors.UnknownStage(file, stages);
                if (path.IndexOf(from) is >= 0 and var at)
                    throw DefinitionErrors.StageCycle(file, path.Skip(at).Append(from));
                if (!sorted.Contains(from))
                    Visit(from);
            }
            path.RemoveAt(path.Count - 1);
            if (stage != image)
                sorted.Add(stage);
        }
        Visit(image);
        // one that nothing copies from is read and checked, so that a mistake in it shows, but not made
        foreach (Stage stage in stages.Where(s => !sorted.Contains(s)))
        {
            int made = sorted.Count;
            Visit(stage);
            sorted.RemoveRange(made, sorted.Count - made);
        }
        return sorted;
    }
}
